"""The four marketplaces simulated."""
