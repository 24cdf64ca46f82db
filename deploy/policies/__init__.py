"""`redress policies`: what its author and its operators do with a policy pack."""
