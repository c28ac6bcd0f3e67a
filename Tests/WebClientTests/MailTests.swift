import Testing
import WebClient

extension Wire {
    @Suite struct MailTests {
        private let peer: Peer
        private let client = WebClient(logger: testLogger)

        init() async throws {
            peer = try await Peer()
        }

        private func failure(of envelope: MailEnvelope) async -> WebClientError? {
            await #expect(throws: WebClientError.self) { try await client.sendMail(envelope) }
        }

        @Test func `a message reaches all its recipients with its dots escaped`() async throws {
            let message = "Subject: dots\r\n\r\n.\r\n..two\r\n.one\r\nlast\r\n"
            try await client.sendMail(peer.mail(to: ["ann@example.com", "bob@example.com"], message: message))
            let mail = try #require(try await peer.report().mails.first)
            #expect(mail.from.hasPrefix("<shop@example.com>"))
            #expect(mail.to == ["<ann@example.com>", "<bob@example.com>"])
            #expect(mail.data == "Subject: dots\r\n\r\n..\r\n...two\r\n..one\r\nlast\r\n.\r\n")
        }

        @Test func `the user and password of the URL are sent to the server`() async throws {
            try await client.sendMail(peer.mail(to: ["ann@example.com"], credentials: "me:p%40ss@"))
            // base64 of NUL me NUL p@ss
            #expect(try await peer.report().mails.first?.user == "AG1lAHBAc3M=")
        }

        @Test func `many messages are delivered one after another and at once`() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<40 {
                    let envelope = peer.mail(to: ["user\(index)@example.com"])
                    group.addTask { [client] in try await client.sendMail(envelope) }
                }
                try await group.waitForAll()
            }
            let recipients = try await peer.report().mails.flatMap(\.to)
            #expect(Set(recipients).count == 40)
        }

        @Test(arguments: [("nobody@example.com", 550, false), ("full@example.com", 452, true), ("spam@example.com", 554, false)])
        func `a refusal reports the server's code and that nothing was accepted`(
            recipient: String, status: Int, isTransient: Bool
        ) async throws {
            let error = await failure(of: peer.mail(to: [recipient]))
            #expect(error?.code == .smtp(status: status))
            #expect(error?.isTransient == isTransient)
            #expect(error?.requestMayHaveBeenSent == false)
            #expect(error?.message.contains(String(status)) == true)
            #expect(try await peer.report().mails.isEmpty)
            try await client.sendMail(peer.mail(to: ["ann@example.com"]))
        }

        @Test func `a server that never acknowledges leaves the outcome unknown`() async throws {
            var envelope = peer.mail(to: ["silent@example.com"])
            envelope.timeout = .seconds(2)
            let error = await failure(of: envelope)
            #expect(error?.code == .timedOut)
            #expect(error?.requestMayHaveBeenSent == true)
        }

        @Test func `a mail server that does not answer delays no web request and no cancellation`() async throws {
            var envelope = peer.mail(to: ["silent@example.com"])
            envelope.timeout = .seconds(20)
            let stuck = Task { [client, envelope] in try await client.sendMail(envelope) }
            #expect(try await client.send(WebRequest(url: peer.http + "/ok", timeout: .seconds(15))).status == 200)
            stuck.cancel()
            let elapsed = await ContinuousClock().measure { _ = await stuck.result }
            #expect(elapsed < .seconds(15))
        }

        @Test func `neither credentials nor mail go to a server without TLS, unless its host is exempt`() async throws {
            var envelope = peer.mail(to: ["ann@example.com"], credentials: "me:secret@")
            let foreign = WebClient(allowsPlainText: { _ in false }, logger: testLogger)
            for credentials in ["me:secret@", ""] {
                envelope.url = envelope.url.replacing("me:secret@", with: credentials)
                let error = await #expect(throws: WebClientError.self) { try await foreign.sendMail(envelope) }
                #expect(error?.code == .tls)
                #expect(error?.requestMayHaveBeenSent == false)
            }
            #expect(try await peer.report().mails.isEmpty)
            let named = WebClient(allowsPlainText: { $0 == "127.0.0.1" }, logger: testLogger)
            try await named.sendMail(envelope)
        }
    }
}
