"""The language of derived series and rules: `lance_q_in - lance_q_out > 8% * lance_q_in`.

Text becomes a tree (`parse`), and the tree, with the names of a plant, its meaning (`bind`).
"""
