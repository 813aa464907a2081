"""One way to create, change and delete what people keep: schedules, rules, channels and the like."""
