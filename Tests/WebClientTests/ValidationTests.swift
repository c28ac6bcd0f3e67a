import Testing
import WebClient

/// Requests rejected before there is a connection: no server takes part.
@Suite struct ValidationTests {
    private let client = WebClient(logger: testLogger)

    private func failure(of request: WebRequest) async -> WebClientError? {
        await #expect(throws: WebClientError.self) { try await client.send(request) }
    }

    @Test(arguments: [
        "", "example.com", "/path", "ftp://127.0.0.1/", "file:///etc/passwd", "smtp://127.0.0.1", "http://", "http://a b/",
        "http://127.0.0.1/\r\nX: y", "http://127.0.0.1:99999/", "http://127.0.0.1\0.example.com/",
    ])
    func `an invalid web address is rejected`(url: String) async {
        let error = await failure(of: WebRequest(url: url))
        #expect(error?.code == .invalidURL)
        #expect(error?.requestMayHaveBeenSent == false)
        #expect(error?.isTransient == false)
    }

    @Test(arguments: [("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\0"), ("X: a\r\nY", "b"), ("", "a"), ("X Y", "a")])
    func `a header that would become two is rejected`(name: String, value: String) async {
        let error = await failure(of: WebRequest(url: "http://127.0.0.1:1/", headers: [(name, value)]))
        #expect(error?.code == .invalidRequest)
    }

    @Test func `a method of more than one word is rejected`() async {
        #expect(await failure(of: WebRequest(method: "GET / HTTP/1.1\r\n", url: "http://127.0.0.1:1/"))?.code == .invalidRequest)
        #expect(await failure(of: WebRequest(method: "", url: "http://127.0.0.1:1/"))?.code == .invalidRequest)
    }

    @Test(arguments: [
        [], ["ann"], ["ann@example.com>\r\nDATA"], ["a b@example.com"],
        [String](repeating: "ann@example.com", count: MailEnvelope.maximumRecipients + 1),
    ])
    func `invalid recipients are rejected`(recipients: [String]) async {
        await expectRefusal(recipients: recipients, message: "x\r\n")
    }

    @Test(arguments: ["Subject: x\n\nx", "x\r\n\n.\r\n", "x\r", "x\ry\r\n"])
    func `a message that could be taken for two is rejected`(message: String) async {
        await expectRefusal(recipients: ["ann@example.com"], message: message)
    }

    @Test func `mail is sent to mail servers only`() async {
        let envelope = MailEnvelope(url: "http://127.0.0.1:1", from: "a@example.com", recipients: ["b@example.com"], message: [])
        let error = await #expect(throws: WebClientError.self) { try await client.sendMail(envelope) }
        #expect(error?.code == .invalidURL)
    }

    private func expectRefusal(recipients: [String], message: String) async {
        let envelope = MailEnvelope(
            url: "smtp://127.0.0.1:1", from: "shop@example.com", recipients: recipients, message: Array(message.utf8))
        let error = await #expect(throws: WebClientError.self) { try await client.sendMail(envelope) }
        #expect(error?.code == .invalidRequest)
    }
}
