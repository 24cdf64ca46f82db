"""The API of triage: why a complaint has the grade it has, and the policies by which it got it."""

from services.triage.api import gradings, policies

routers = [gradings.router, gradings.ratios, policies.router]
