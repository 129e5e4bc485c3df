"""What the project talks about: titles, people, credits, charts and runs.

Standard library only. Every rule about what a fact may be lives here, once; unknown is ``None``.
"""
