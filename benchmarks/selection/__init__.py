"""How good the choice among recorded candidates is, without any model: see ``__main__``."""
