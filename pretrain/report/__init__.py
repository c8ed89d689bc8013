"""The report page of a run: `report.html`, self-contained, of what was made and measured."""
