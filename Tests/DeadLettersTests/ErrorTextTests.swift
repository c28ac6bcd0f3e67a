import FoundationEssentials
import Testing

@testable import DeadLetters

@Suite struct ErrorTextTests {
    @Test(arguments: [
        // UUIDs
        ("order 3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33 is unknown", "order <uuid> is unknown"),
        ("3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D33", "<uuid>"),
        ("order-3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33.", "order-<uuid>."),
        ("(order:3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33)", "(order:<uuid>)"),
        ("orders_3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33s are gone", "orders_<uuid>s are gone"),
        ("cart3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33-8f0e1d2c-0d4f-4a8c-9e57-6f2a1b9c7d33.", "cart<uuid>-<uuid>."),
        // Times
        ("due at 2026-01-15T09:31:40.123Z", "due at <time>"),
        ("due at 2026-01-15 09:31:40+01:00.", "due at <time>."),
        ("due on 2026-01-15, at 9:31", "due on <time>, at <time>"),
        ("09:31:40,123 ERROR", "<time> ERROR"),
        ("2026-01-15T09:31+0100", "<time>"),
        // Numbers
        ("line 17, column 3", "line <n>, column <n>"),
        ("-5 of 1,999.50 EUR", "<n> of <n> EUR"),
        ("50% after 30s and 512MB", "<n> after <n>s and <n>MB"),
        ("10.0.0.5:5672 refused it", "<n> refused it"),
        ("db.internal:5432 refused it", "db.internal:<n> refused it"),
        ("order W-000042", "order W-<n>"),
        ("attempt #3", "attempt #<n>"),
        ("HTTP/1.1 503", "HTTP/<n>.<n> <n>"),
        // Hexadecimal numbers and identifiers
        ("at 0x7ffee4b2", "at <hex>"),
        ("digest 9f86d081884c7d65", "digest <hex>"),
        ("a bad decade", "a bad decade"),
        ("charge pi_3NqLkV2eZvKYlo2C1A failed", "charge <id> failed"),
        ("utf8 is not latin1", "utf<n> is not latin<n>"),
        // Quoted values
        ("'W' is not an operation", "<value> is not an operation"),
        ("violates \"orders_pkey\": it's there", "violates <value>: it's there"),
        ("`a` and \"b c\"", "<value> and <value>"),
        ("new row for relation \"attempts\" violates check constraint \"amount_7\"", "new row for relation \"attempts\" violates check constraint \"amount_<n>\""),
        ("relation \"inbox_20261130\" violates constraint \"x\"", "relation \"inbox_<n>\" violates constraint \"x\""),
        ("invalid input syntax for type uuid: \"column\"", "invalid input syntax for type uuid: <value>"), ("no column 'x' or \"y\"", "no column <value> or <value>"),
        ("the body isn't JSON", "the body isn't JSON"),
        ("an open ' mark", "an open ' mark"),
        ("{\"sku\":\"A-1\"}", "{<value>:<value>}"),
        // Addresses, URLs and paths
        ("mail to ada.l+x@example.com bounced", "mail to <email> bounced"),
        ("<ada@example.com>", "<<email>>"),
        ("GET https://api.example.com/v1/x?id=5&b=c failed", "GET <url> failed"),
        ("POST /v1/orders/5/refunds", "POST <path>"),
        ("cannot open /var/lib/wharf/x.db: denied", "cannot open <path>: denied"),
        ("~/x and ./y and C:\\z", "<path> and <path> and <path>"),
        ("and/or, application/json", "and/or, application/json"),
        ("orders/17/items", "orders/<n>/items"),
        // White space, and nothing
        ("  two\n\tlines  ", "two lines"),
        ("", ""),
        ("...", "..."),
        ("ÄÖÜ größer als 5 €", "ÄÖÜ größer als <n> €"),
    ])
    func `what differs from message to message is replaced`(text: String, normalised: String) {
        #expect(ErrorText.normalised(text) == normalised)
        #expect(ErrorText.normalised(normalised) == normalised, "a normalised text stays as it is")
    }

    @Test func `a normalised text is bounded, whatever it was made from`() {
        let texts = [
            String(repeating: "a b ", count: 10_000), String(repeating: "'", count: 10_000), String(repeating: "é", count: 10_000),
            String(repeating: "1 ", count: 10_000), String(repeating: "/a@b:", count: 10_000),
        ]
        for text in texts { #expect(ErrorText.normalised(text).count <= ErrorText.maximumLength) }
    }

    @Test func `any bytes have a normalised text, which stays as it is`() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab1f0-:./@'\"`<>TZ %+~\\_,xé\n ".unicodeScalars)
        for _ in 0..<2_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                if let scalar = alphabet.randomElement(using: &random) { text.append(scalar) }
            }
            let once = ErrorText.normalised(String(text))
            #expect(!once.contains("  "), "\(String(text))")
            #expect(ErrorText.normalised(once).count <= ErrorText.maximumLength)
        }
    }

    @Test func `a group's id follows from service, operation, cause and normalised text, and from nothing else`() {
        func id(
            _ queue: String = "payments.commands", _ operation: String? = "payments.charge", _ cause: String = "declined", _ detail: String = "order 5"
        )
            -> String
        { GroupKey(queue: queue, operation: operation, cause: cause, detail: detail).id.uuidString }
        #expect(id() == id("payments.webhooks", "payments.charge", "declined", "order 77"))
        // Written down, because the ids are in links and in databases.
        #expect(id() == "2042C875-8DDB-5476-83CD-4AA09FEA3767")
        let others = [id("orders.commands"), id("payments.commands", nil), id("payments.commands", "payments.void"), id("payments.commands", "payments.charge", "x")]
        let texts = [id("payments.commands", "payments.charge", "declined", "cart 5"), id("", "payments.charge")]
        #expect(Set(others + texts + [id()]).count == 7)
        #expect(GroupKey(queue: "", operation: nil, cause: "", detail: "").service == "")
        #expect(GroupKey(queue: "users.credentials", operation: nil, cause: "", detail: "").service == "users")
    }
}
