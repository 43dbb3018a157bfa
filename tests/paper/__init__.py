"""The paper's figures and tables, remade: sweeps of runs, their results, what is drawn of them."""
