"""What the four marketplaces' documents show, as data, and the tests that hold the sandbox against it."""
