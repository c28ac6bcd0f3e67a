import Contracts
import Notifications
import Operations
import ServiceLifecycle

/// A part of a process that has pages for operators.
protocol HasAdminPages {
    var adminPages: [AdminPage] { get }
}

extension ThreadBound: HasAdminPages {
    var adminPages: [AdminPage] { (service as? any HasAdminPages)?.adminPages ?? [] }
}

/// `/mails` on the admin port of a notifications worker: every mail and text message that Wharf sends, with made-up contents.
struct MailPreviewPage: Service, HasAdminPages {
    let preview: MailPreview

    func run() async throws {
        try? await gracefulShutdown()
    }

    var adminPages: [AdminPage] {
        [
            AdminPage("mails") { query in
                guard let kind = query["kind"] else { return .html(index) }
                let language = query["language"] ?? "en"
                if query["part"] == "sms" { return preview.textMessage(kind, language).map { .text($0) } }
                guard let mail = preview.mail(kind, language) else { return nil }
                return query["part"] == "text" ? .text("Subject: \(mail.subject)\n\n\(mail.text)") : .html(mail.html)
            }
        ]
    }

    private var index: String {
        let rows = MailPreview.kinds.map { kind in
            let links = MailPreview.languages.map { language in
                let address = "?kind=\(kind)&amp;language=\(language)"
                let sms = preview.textMessage(kind, language).map { _ in ", <a href=\"\(address)&amp;part=sms\">text message</a>" } ?? ""
                return "<a href=\"\(address)\">\(language)</a> (<a href=\"\(address)&amp;part=text\">text</a>\(sms))"
            }
            return "<tr><td>\(kind.escapedForHTML)</td><td>\(links.joined(separator: " · "))</td></tr>"
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>Mails</title><meta name="color-scheme" content="light dark"></head>
            <body><h1>Mails</h1><p>Every mail and text message that Wharf sends, with made-up contents.</p><table>
            \(rows.joined(separator: "\n"))
            </table></body></html>

            """
    }
}
