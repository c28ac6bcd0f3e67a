import Contracts
import FoundationEssentials
import Secrets

extension Mail {
    /// The mail as transmitted (RFC 5322, MIME), with lines ended by CR LF; the same mail yields the same bytes. No content of its texts
    /// can end a header or a part.
    public var message: [UInt8] {
        let boundary = "=_\(id.upperCaseText)"
        let lines = [
            "Date: \(Self.date(date))",
            "From: \(Self.header(sender))",
            "To: \(Self.header(recipient))",
            "Subject: \(HeaderText.encode(subject))",
            "Message-ID: \(messageID)",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: multipart/alternative;",
            " boundary=\"\(boundary)\"",
            "",
            // "=_" cannot occur in quoted-printable text, so neither can the boundary.
            "--\(boundary)",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            QuotedPrintable.encode(text),
            "--\(boundary)",
            "Content-Type: text/html; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            QuotedPrintable.encode(html),
            "--\(boundary)--",
            "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    var messageID: String { "<\(id.lowerCaseText)@\(sender.host)>" }

    private static func header(_ address: MailAddress) -> String {
        guard let name = address.name else { return address.address }
        return "\(HeaderText.phrase(name)) <\(address.address)>"
    }

    private static func date(_ date: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.weekday, .day, .month, .year, .hour, .minute, .second], from: date)
        func digits(_ part: Int?) -> String { (part ?? 0) < 10 ? "0\(part ?? 0)" : "\(part ?? 0)" }
        let day = "\(weekdays[(parts.weekday ?? 1) - 1]), \(parts.day ?? 1) \(months[(parts.month ?? 1) - 1]) \(parts.year ?? 1970)"
        return "\(day) \(digits(parts.hour)):\(digits(parts.minute)):\(digits(parts.second)) +0000"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
