module chaos-runner.io/lab/web

go 1.24.0
