"""The API of sla: what is due when and why, how much was in time, and the calendars behind it."""

from services.sla.api import calendars, deadlines, figures

routers = [deadlines.router, figures.router, calendars.router]
