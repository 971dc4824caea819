"""The project's own probes, called by experiments as Chaos Toolkit calls them: `module: probes.shop`."""
