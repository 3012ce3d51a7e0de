"""How long people wait: acknowledgements beside those of bare servers, and a few plain figures."""
