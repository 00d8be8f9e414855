"""Investigate the events before a model sees them."""

from analysis import part, read, select, write
from snakemake.script import snakemake

from sklearn_ml4fp import LabBook, investigate

events = select(part(read(snakemake.input.events), tuning=True))
report = investigate(events["X"], events["y"], sample_weight=events["w"], groups=events["event"])
report.to_html(snakemake.output.page)
severities = [finding.severity for finding in report.findings]
missing = events["X"].isna().any()
scores = {f"findings_{severity}": severities.count(severity) for severity in ("error", "warning", "hint")}
scores |= {"events": len(events["y"]), "columns": len(missing), "columns_missing": int(missing.sum())}
book = LabBook(snakemake.params.book, experiment="report")
write(
    snakemake.output.run,
    experiment="report",
    run=book.add("report", scores),
    findings=[[finding.severity, finding.kind, list(finding.columns)] for finding in report.findings],
)
