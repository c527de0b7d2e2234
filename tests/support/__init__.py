"""What the tests of the SDK share: both doors behind one call, the four marketplaces, a driver in virtual time."""
