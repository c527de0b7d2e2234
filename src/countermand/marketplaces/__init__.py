"""The marketplaces, one module each: configuration, request, answers, rules and sub-clients."""
