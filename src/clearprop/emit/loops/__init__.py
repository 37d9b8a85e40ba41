"""Stages -> loops, in languages like C: what C and JavaScript share."""
