"""Makes deliveries: what RQ runs for the queue "deliveries".

`attempt.deliver` sends alerts to one subscriber, holds them, or says when to try again. A channel
is a function in a module or room of its own, entered in `attempt.CHANNELS` under its kind.
"""
