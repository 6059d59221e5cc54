"""The web page, one small module per page.

A page is a class with `routes()`: it is given the Parts, and each handler reads what it shows, passes it to
one template and answers with `parts.page(…)`. The template extends `frame.html` and fills its blocks:
`title`, `head` (its own style sheet and script) and `main`. To add a page: the module, the template, its name
in the server's list of doors, and a line in `frame.TABS`.
"""
