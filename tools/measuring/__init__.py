"""The parts of `make bench`: an installation to measure, servers, a load client, and one module per figure."""
