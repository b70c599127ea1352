"""All quantities of one plane, in the order of their dependence."""
