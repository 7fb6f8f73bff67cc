"""Operations given out by a broker: Celery over RabbitMQ, which only this room knows.

The journal says what is to be done, `line` whose turn it is, a message wakes a worker: it holds
ids of operations and nothing else. Whoever loses messages loses no operation.
"""
