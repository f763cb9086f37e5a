import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import org.javarosa.core.model.FormDef;
import org.javarosa.core.model.data.IAnswerData;
import org.javarosa.core.model.instance.InstanceInitializationFactory;
import org.javarosa.core.model.instance.TreeElement;
import org.javarosa.core.model.instance.TreeReference;
import org.javarosa.core.reference.PrefixedRootFactory;
import org.javarosa.core.reference.Reference;
import org.javarosa.core.reference.ReferenceManager;
import org.javarosa.core.services.locale.Localizer;
import org.javarosa.model.xform.XFormsModule;
import org.javarosa.xform.parse.XFormParser;
import org.javarosa.xform.util.XFormAnswerDataSerializer;

/**
 * JavaRosa behind a pipe: a line of JSON holds a form and instances of it; the answer tells for each what
 * JavaRosa makes of it: every node's value, whether it is relevant and required, and whether its constraint holds.
 */
public final class Engine {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Engine() {
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err); // what JavaRosa itself prints must not mix with the answers
        new XFormsModule().registerModule();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode job = JSON.readTree(line);
            ArrayNode answers = JSON.createArrayNode();
            for (JsonNode instance : job.get("instances")) {
                answers.add(answer(job, instance.asText()));
            }
            out.println(JSON.writeValueAsString(answers));
        }
    }

    private static ObjectNode answer(JsonNode job, String instance) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            ReferenceManager references = ReferenceManager.instance();
            references.reset();
            references.addReferenceFactory(new Folder(new File(job.get("media").asText())));
            FormDef form = new XFormParser(new StringReader(job.get("xform").asText()), new StringReader(instance)).parse(null);
            if (form.getLocalizer() != null) {
                form.getLocalizer().setLocale(locale(form.getLocalizer(), job.get("language").asText()));
            }
            form.initialize(false, new InstanceInitializationFactory());
            list(form, form.getMainInstance().getRoot(), "", answer.putArray("nodes"));
        } catch (Throwable error) {
            answer.put("error", error.getClass().getSimpleName() + ": " + error.getMessage());
        }
        return answer;
    }

    private static String locale(Localizer localizer, String code) {
        for (String name : localizer.getAvailableLocales()) {
            if (name.endsWith("(" + code + ")")) {
                return name;
            }
        }
        return localizer.getDefaultLocale();
    }

    private static void list(FormDef form, TreeElement parent, String path, ArrayNode nodes) {
        for (int place = 0; place < parent.getNumChildren(); place += 1) {
            TreeElement child = parent.getChildAt(place);
            if (child.getMult() == TreeReference.INDEX_TEMPLATE) {
                continue;
            }
            String own = path + "/" + child.getName() + (child.isRepeatable() ? "[" + (child.getMult() + 1) + "]" : "");
            nodes.add(node(form, child, own));
            list(form, child, own, nodes);
        }
    }

    private static ObjectNode node(FormDef form, TreeElement element, String path) {
        ObjectNode node = JSON.createObjectNode().put("path", path).put("relevant", element.isRelevant());
        IAnswerData value = element.getValue();
        if (!element.isLeaf()) {
            return node;
        }
        node.put("required", element.isRequired());
        node.put("value", value == null ? null : String.valueOf(new XFormAnswerDataSerializer().serializeAnswerData(value, element.getDataType())));
        if (element.getConstraint() != null && value != null && element.isRelevant()) {
            try {
                node.put("holds", form.evaluateConstraint(element.getRef(), value));
            } catch (RuntimeException error) {
                node.put("fails", String.valueOf(error.getMessage()));
            }
        }
        return node;
    }

    /** jr://file-csv/name and its like: files of one folder. */
    private static final class Folder extends PrefixedRootFactory {
        private final File folder;

        Folder(File folder) {
            super(new String[] {"file/", "file-csv/", "images/", "audio/", "video/"});
            this.folder = folder;
        }

        @Override
        protected Reference factory(String terminal, String uri) {
            return new InFolder(new File(folder, new File(terminal).getName()), uri);
        }
    }

    private record InFolder(File file, String uri) implements Reference {
        @Override
        public boolean doesBinaryExist() {
            return file.exists();
        }

        @Override
        public InputStream getStream() throws java.io.IOException {
            return new FileInputStream(file);
        }

        @Override
        public String getURI() {
            return uri;
        }

        @Override
        public String getLocalURI() {
            return file.getAbsolutePath();
        }

        @Override
        public boolean isReadOnly() {
            return true;
        }

        @Override
        public OutputStream getOutputStream() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void remove() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Reference[] probeAlternativeReferences() {
            return new Reference[0];
        }
    }
}
