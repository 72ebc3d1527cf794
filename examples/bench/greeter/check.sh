[ "$(sh greet.sh Ada)" = "Hello, Ada" ] && [ "$(sh greet.sh)" = "Hello, world" ]
