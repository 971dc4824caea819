"""The project's own probes, called by experiments as Chaos Toolkit calls them: `module: probes.shop`.

The files *.yaml beside it are reusable probes: `use: checkout-is-fast`.
"""
