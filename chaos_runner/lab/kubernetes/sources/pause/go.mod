module chaos-runner.io/lab/pause

go 1.24.0
