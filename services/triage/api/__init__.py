"""The API of triage: why a complaint has the grade it has, and the policies by which it got it."""

from services.triage.api import adjudications, gradings, policies

routers = [gradings.router, adjudications.router, policies.router]
