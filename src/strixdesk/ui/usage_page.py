"""What the answers of this month took, tier by tier, and the month's money."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QProgressBar,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.usage import Spread, TierUsage, UsageReport, budget_words, dollars
from strixdesk.ui.settings_fields import plain_label

HEADERS = ("Tier", "Answers", "Good", "Tokens in", "Tokens out", "First word", "t/s", "Cost")
_FULL = 1000


class UsagePage(QDialog):
    """Open with `open()`; `show_report` as often as there is news."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Usage")
        self.headline = plain_label("Usage", "headline")
        self.money = plain_label("", "")
        self.bar = QProgressBar()
        self.bar.setRange(0, _FULL)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("The month's money that is spent")
        self.table = QTableWidget(0, len(HEADERS))
        self.table.setAccessibleName("Answers by tier")
        self.table.setHorizontalHeaderLabels(HEADERS)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.failures = plain_label("", "")
        self.failures.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName("Close")
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        for part in (self.headline, self.money, self.bar):
            column.addWidget(part)
        column.addWidget(self.table, 1)
        column.addWidget(self.failures)
        column.addWidget(buttons)
        self.resize(760, 420)

    def show_report(self, report: UsageReport) -> None:
        self.headline.setText(f"Usage in {report.month}")
        self.money.setText(budget_words(report))
        budget = report.budget_nano_usd
        self.bar.setVisible(budget is not None)
        if budget is not None:
            share = report.spent_nano_usd / budget if budget else 1.0
            self.bar.setValue(min(_FULL, round(_FULL * share)))
        self.table.setRowCount(len(report.tiers))
        for row, tier in enumerate(report.tiers):
            for column, words in enumerate(_cells(tier)):
                item = QTableWidgetItem(words)
                if column:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                item.setToolTip(_tip(tier))
                self.table.setItem(row, column, item)
        failed = [f"{one.tier}: {one.last_error}" for one in report.tiers if one.last_error]
        self.failures.setText("\n".join(failed))
        self.failures.setVisible(bool(failed))


def _cells(tier: TierUsage) -> tuple[str, ...]:
    about = "~" if tier.estimated else ""
    return (
        tier.tier,
        f"{tier.answers:,}",
        "–" if tier.success_rate is None else f"{tier.success_rate:.0%}",
        f"{about}{tier.prompt_tokens:,}",
        f"{about}{tier.completion_tokens:,}",
        _seconds(tier.ttft_ms),
        "–" if tier.tokens_per_s is None else f"{tier.tokens_per_s:.1f}",
        dollars(tier.cost_nano_usd) if tier.cost_nano_usd else "–",
    )


def _seconds(spread: Spread | None) -> str:
    return "–" if spread is None else f"{spread.average / 1000:.2f} s"


def _tip(tier: TierUsage) -> str:
    lines = [
        f"{name}: {spread.average / 1000:.2f} s on average, 95 % within {spread.p95 / 1000:.2f} s"
        for name, spread in (("First word", tier.ttft_ms), ("Whole answer", tier.total_ms))
        if spread
    ]
    if tier.cached:
        lines.append(f"{tier.cached} more from the cache")
    return "\n".join(lines)
