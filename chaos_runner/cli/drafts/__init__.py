"""Files that we write for people to go on with: experiments, projects, pipelines."""
