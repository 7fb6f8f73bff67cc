# One worker with threads: enough for tests, small in memory.
workers = 1
worker_class = "gthread"
threads = 8
timeout = 600
graceful_timeout = 5
keepalive = 30
limit_request_line = 8190
control_socket_disable = True
