"""`python -m chaos_runner` is the command `chaos-runner`."""

from chaos_runner.cli.main import main

if __name__ == "__main__":
    main()
