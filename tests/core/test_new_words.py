"""The words of a new package: forms of its name, and the templates' placeholders."""

from __future__ import annotations

import pytest

from h2o_console.new.words import Words, words
from h2o_core.names import InvalidName


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("/service/invoice", Words("service", "invoice", "invoice", "Invoice")),
        ("/api/invoice-line_2", Words("api", "invoice-line_2", "invoice_line_2", "InvoiceLine2")),
        ("/service/none", Words("service", "none", "none", "NoneRecord")),
        ("/orchestration/package", Words("orchestration", "package", "package", "PackageRecord")),
    ],
)
def test_the_forms_of_a_name(package: str, expected: Words) -> None:
    assert words(package) == expected


def test_where_it_lies() -> None:
    meant = words("/api/invoice-line")
    assert (meant.name, meant.directory, meant.module) == ("api/invoice-line", "api-invoice-line", "api_invoice_line")


def test_placeholders_become_the_words() -> None:
    meant = words("/orchestration/invoice-line")
    template = "caller/wid-get: caller_widget.py service_widget ShowWidget _SHOWWIDGET _WIDGETID"
    assert meant.fill(template) == (
        "orchestration/invoice-line: orchestration_invoice_line.py service_invoice_line ShowInvoiceLine "
        "_SHOWINVOICELINE _INVOICELINEID"
    )


@pytest.mark.parametrize("package", ["/service", "/storage/x", "/service/Invoice", "/service/invoice/retrieve", "x"])
def test_what_is_no_package_is_refused(package: str) -> None:
    with pytest.raises(InvalidName):
        words(package)
