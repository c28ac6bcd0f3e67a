import Contracts
import FoundationEssentials
import Secrets
import Testing

@testable import Notifications

@Suite struct MailMessageTests {
    private func mail(subject: String = "Hello", text: String = "Text\n", sender: String = "Wharf <shop@example.com>") throws -> Mail {
        Mail(
            id: try #require(UUID(uuidString: "5D3F2C1B-0000-4000-8000-00000000000A")), sender: try #require(MailAddress(sender)),
            recipient: try #require(MailAddress(bare: "ada@example.com")), subject: subject, text: text, html: "<p>Text</p>\n",
            date: Date(timeIntervalSince1970: 784_111_777))
    }

    private func lines(_ mail: Mail) -> [String] {
        String(decoding: mail.message, as: UTF8.self).unicodeScalars.split(separator: "\n").map { String(String.UnicodeScalarView($0)) }
    }

    @Test func `a message has its headers and both of its parts`() throws {
        let text = String(decoding: try mail().message, as: UTF8.self)
        #expect(
            text == """
                Date: Sun, 6 Nov 1994 08:49:37 +0000\r
                From: "Wharf" <shop@example.com>\r
                To: ada@example.com\r
                Subject: Hello\r
                Message-ID: <5d3f2c1b-0000-4000-8000-00000000000a@example.com>\r
                Auto-Submitted: auto-generated\r
                MIME-Version: 1.0\r
                Content-Type: multipart/alternative;\r
                 boundary="=_5D3F2C1B-0000-4000-8000-00000000000A"\r
                \r
                --=_5D3F2C1B-0000-4000-8000-00000000000A\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                Text\r
                \r
                --=_5D3F2C1B-0000-4000-8000-00000000000A\r
                Content-Type: text/html; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                <p>Text</p>\r
                \r
                --=_5D3F2C1B-0000-4000-8000-00000000000A--\r

                """)
    }

    @Test(arguments: ["Order\r\nBcc: all@example.com", "Order\nBcc: all@example.com", "Order\rBcc: x", "Ordér\r\n\r\n<script>", "=?utf-8?B?Qg==?=\r\nBcc: x"])
    func `no subject can inject a header`(subject: String) throws {
        let names = lines(try mail(subject: subject)).prefix { $0 != "\r" }.filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" } }
        #expect(names == ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"])
    }

    @Test func `text beyond ASCII becomes encoded words that decode to the same text`() throws {
        let subject = "Bestellung bestätigt: " + String(repeating: "Käse 🧀 ", count: 30)
        let encoded = HeaderText.encode(subject)
        let words = encoded.unicodeScalars.split(separator: "\n").map { String(String.UnicodeScalarView($0)).filter { !$0.isWhitespace } }
        var bytes: [UInt8] = []
        for word in words {
            #expect(word.utf8.count <= 75)
            let content = try #require(Base64.decode(String(word.dropFirst("=?utf-8?B?".count).dropLast(2))))
            #expect(String(validating: content, as: UTF8.self) != nil, "no character is torn")
            bytes += content
        }
        #expect(String(decoding: bytes, as: UTF8.self) == subject)
    }

    @Test func `no part can end early, and no line is too long`() throws {
        let text = "--=_5D3F2C1B-0000-4000-8000-00000000000A--\n.\nFrom here\ntrailing \n" + String(repeating: "ü=", count: 200)
        let mail = try mail(text: text)
        let lines = lines(mail)
        #expect(lines.allSatisfy { $0.utf8.count <= 78 })
        #expect(lines.filter { $0.hasPrefix("--=_5D3F2C1B") }.count == 3)
        #expect(mail.message.allSatisfy { $0 < 0x80 })
    }

    @Test(arguments: [
        ("plain", "plain"), ("a=b", "a=3Db"), ("ends with a space ", "ends with a space=20"), ("é", "=C3=A9"), ("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"),
        (String(repeating: "x", count: 76), String(repeating: "x", count: 76)),
        (String(repeating: "x", count: 77), String(repeating: "x", count: 75) + "=\r\nxx"),
    ])
    func `quoted-printable follows RFC 2045`(text: String, encoded: String) {
        #expect(QuotedPrintable.encode(text) == encoded)
    }

    @Test(
        arguments: [
            ("shop@example.com", nil, "shop@example.com"), ("Wharf <shop@example.com>", "Wharf", "shop@example.com"),
            ("Käse & Co <shop@localhost>", "Käse & Co", "shop@localhost"),
        ] as [(String, String?, String)])
    func `a sender is read as in the settings`(text: String, name: String?, address: String) throws {
        let parsed = try #require(MailAddress(text))
        #expect(parsed.name == name)
        #expect(parsed.address == address)
    }

    @Test(arguments: ["", "shop", "@example.com", "shop@", "a@b, c@d", "a b@example.com", "<a@b>\r\nX: y", "a@b\n", "é@example.com", "a@b@c d"])
    func `an invalid address is rejected`(text: String) {
        #expect(MailAddress(text) == nil)
    }

    @Test func `a name with quotes stays one name`() throws {
        #expect(HeaderText.phrase(#"The "Best" \ Shop"#) == #""The \"Best\" \\ Shop""#)
    }

    @Test func `amounts are written with their currency's digits`() {
        #expect(
            [Money(amount: 1999, currency: "EUR"), Money(amount: 5, currency: "EUR"), Money(amount: 500, currency: "JPY"), Money(amount: 1234, currency: "KWD")]
                .map(\.text) == ["19.99 EUR", "0.05 EUR", "500 JPY", "1.234 KWD"])
    }

    @Test func `names of products are escaped in HTML`() {
        #expect("<b>\"Tom & Jerry's\"</b>".escapedForHTML == "&lt;b&gt;&quot;Tom &amp; Jerry&#39;s&quot;&lt;/b&gt;")
    }
}
