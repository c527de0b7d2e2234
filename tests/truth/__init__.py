"""Issue by issue, what the marketplaces really do: scripted replies, and what is right to say after each."""
