"""What a WSGI server loads: `wsgi:app`."""

from survey_app import create_app

app = create_app()
