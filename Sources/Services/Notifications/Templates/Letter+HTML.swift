import Contracts

extension Letter {
    /// Tables and inline styles, because mail readers drop much else; the style sheet is for those that keep it: dark colours, and less space on a telephone.
    /// Nothing is loaded from anywhere.
    var html: String {
        let parts = [paragraph(greeting), paragraph(opening), codeBox, itemTable, factTable, button, addressBox, paragraph(closing)].compactMap(\.self)
        return """
            <!DOCTYPE html>
            <html lang="\(language.rawValue)">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="supported-color-schemes" content="light dark">
            <title>\(subject.escapedForHTML)</title>
            <style>
            \(Self.styleSheet)
            </style>
            </head>
            <body class="page" style="margin:0;padding:0;background-color:#f2f4f7;">
            <div style="display:none;max-height:0;overflow:hidden;">\(opening.escapedForHTML)</div>
            <table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#f2f4f7;">
            <tr><td align="center" class="outer" style="padding:32px 12px;">
            <table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" style="width:100%;max-width:600px;">
            <tr><td class="ink" style="padding:0 4px 14px;\(Self.font)font-size:18px;font-weight:bold;color:#1c2733;">\(shop.escapedForHTML)</td></tr>
            <tr><td class="card" style="padding:32px 32px 14px;background-color:#ffffff;border:1px solid #dce2e8;border-radius:8px;">
            <h1 class="ink" style="margin:0 0 18px;\(Self.font)font-size:24px;line-height:30px;font-weight:bold;color:#1c2733;">\(heading.escapedForHTML)</h1>
            \(parts.joined(separator: "\n"))
            </td></tr>
            <tr><td class="dim" style="padding:16px 4px 0;\(Self.font)font-size:13px;line-height:19px;color:#5f6c79;">\(footer.escapedForHTML)</td></tr>
            </table>
            </td></tr>
            </table>
            </body>
            </html>

            """
    }

    private static let font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
    private static let body = font + "font-size:16px;line-height:24px;color:#1c2733;"

    private static let styleSheet = """
        :root { color-scheme: light dark; supported-color-schemes: light dark; }
        @media (prefers-color-scheme: dark) {
        .page { background-color: #11161c !important; }
        .card { background-color: #1b232c !important; border-color: #323d48 !important; }
        .ink { color: #e9eef3 !important; }
        .dim { color: #a6b2be !important; }
        .rule { border-color: #323d48 !important; }
        .box { background-color: #11161c !important; }
        .button { background-color: #7cc0ee !important; }
        .button a { color: #0c1620 !important; }
        }
        @media (max-width: 480px) {
        .outer { padding: 16px 8px !important; }
        .card { padding: 22px 18px 6px !important; }
        }
        """

    private func paragraph(_ text: String?) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return "<p class=\"ink\" style=\"margin:0 0 18px;\(Self.body)\">\(unbroken(text.escapedForHTML))</p>"
    }

    private func unbroken(_ html: String) -> String {
        guard let number = number?.escapedForHTML, !number.isEmpty else { return html }
        return html.replacing(number, with: "<span style=\"white-space:nowrap;\">\(number)</span>")
    }

    private var codeBox: String? {
        code.map { code in
            """
            <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 18px;">
            <tr><td class="box ink" style="padding:14px 16px;background-color:#f2f4f7;border-radius:6px;font-family:Menlo,Consolas,monospace;font-size:15px;\
            line-height:22px;color:#1c2733;word-break:break-all;"><code>\(code.escapedForHTML)</code></td></tr>
            </table>
            """
        }
    }

    private var itemTable: String? {
        guard !items.isEmpty || total != nil else { return nil }
        let cell = "padding:10px 0;border-bottom:1px solid #dce2e8;\(Self.body)"
        let hasAmounts = items.contains { !$0.amount.isEmpty } || total != nil
        let rows = items.enumerated().map { place, item in
            // The last item has a rule below it only if the total follows.
            let end = total == nil && place == items.count - 1 ? "border-bottom:0;" : ""
            let amount = "<td class=\"ink rule\" align=\"right\" valign=\"top\" style=\"\(cell)\(end)padding-left:16px;white-space:nowrap;\">\(item.amount.escapedForHTML)</td>"
            return "<tr><td class=\"ink rule\" valign=\"top\" style=\"\(cell)\(end)\">\(item.what.escapedForHTML)</td>\(hasAmounts ? amount : "")</tr>"
        }
        let sum = total.map { total in
            """
            <tr><td class="ink" style="padding:12px 0 0;\(Self.body)font-weight:bold;">\(total.label.escapedForHTML)</td>\
            <td class="ink" align="right" style="padding:12px 0 0 16px;\(Self.body)font-weight:bold;white-space:nowrap;">\(total.value.escapedForHTML)</td></tr>
            """
        }
        return Self.table(rows + [sum].compactMap(\.self))
    }

    private var factTable: String? {
        guard !facts.isEmpty else { return nil }
        return Self.table(
            facts.map { fact in
                """
                <tr><td class="dim" valign="top" style="padding:2px 16px 2px 0;\(Self.font)font-size:14px;line-height:22px;color:#5f6c79;white-space:nowrap;">\(fact.label.escapedForHTML)</td>\
                <td class="ink" style="padding:2px 0;\(Self.font)font-size:15px;line-height:22px;color:#1c2733;word-break:break-word;">\(fact.value.escapedForHTML)</td></tr>
                """
            }, width: nil)
    }

    private var button: String? {
        link.map { link in
            """
            <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 22px;">
            <tr><td class="button" style="background-color:#1b5e8c;border-radius:6px;"><a href="\(link.value.escapedForHTML)" \
            style="display:inline-block;padding:12px 22px;\(Self.font)font-size:16px;line-height:22px;font-weight:bold;color:#ffffff;text-decoration:none;">\
            \(link.label.escapedForHTML)</a></td></tr>
            </table>
            """
        }
    }

    private var addressBox: String? {
        address.map { address in
            """
            <p class="dim" style="margin:0 0 4px;\(Self.font)font-size:14px;line-height:20px;color:#5f6c79;">\(address.label.escapedForHTML)</p>
            <p class="ink" style="margin:0 0 18px;\(Self.body)">\(address.lines.map(\.escapedForHTML).joined(separator: "<br>\n"))</p>
            """
        }
    }

    private static func table(_ rows: [String], width: String? = "100%") -> String {
        """
        <table\(width.map { " width=\"\($0)\"" } ?? "") cellpadding="0" cellspacing="0" border="0" style="margin:0 0 22px;">
        \(rows.joined(separator: "\n"))
        </table>
        """
    }
}
