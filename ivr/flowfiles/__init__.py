"""YAML text to a marked tree to the flow model, with every problem at once; versions on a shelf."""
