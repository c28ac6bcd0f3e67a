import Contracts
import FoundationEssentials
import Logging
import Runtime
import Secrets
import TestKit
import Testing
import WebClient

@testable import Notifications

@Suite struct MailTransportTests {
    private func id(_ number: Int) -> UUID {
        UUID(uuid: (0x5D, 0x3F, 0x2C, 0x1B, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, UInt8(truncatingIfNeeded: number)))
    }

    private func mail(_ subject: String, id number: Int = 10) throws -> Mail {
        Mail(
            id: id(number), sender: try #require(MailAddress("shop@example.com")),
            recipient: try #require(MailAddress("ada@example.com")), subject: subject, text: "Text\n", html: "<p>Text</p>\n",
            date: Date(timeIntervalSince1970: 0))
    }

    @Test func `mail is written to a Maildir's new folder, and only once if it is sent again`() async throws {
        let client = WebClient(logger: Logger(label: "test"))
        let folder = TestServers.folder("mail box")
        let url = "file://" + folder.replacing(" ", with: "%20")
        let transport = try MailTransports.from(url: url, client: client)
        let mail = try mail("Once")
        try await transport.send(mail)
        try await transport.send(mail)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/new")
        #expect(names == ["5d3f2c1b-0000-4000-8000-00000000000a.wharf"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/tmp").isEmpty)
        let stored = try #require(FileManager.default.contents(atPath: "\(folder)/new/\(names[0])"))
        #expect(Array(stored) == mail.message)
    }

    @Test func `mails that are sent at the same time all arrive, and each fails for itself`() async throws {
        let folder = TestServers.folder("mail")
        let transport = try Maildir(path: folder)
        // A folder in the place of a mail's file: the mail cannot replace it.
        let blocked = 7
        try FileManager.default.createDirectory(atPath: "\(folder)/new/\(id(blocked).lowerCaseText).wharf/x", withIntermediateDirectories: true)
        let sent = try await (0..<200).concurrentMap(limit: 32) { number in
            let mail = try mail("Number \(number)", id: number)
            do throws(DeliveryError) {
                try await transport.send(mail)
                return FileManager.default.contents(atPath: "\(folder)/new/\(mail.id.lowerCaseText).wharf").map(Array.init) == mail.message
            } catch {
                return false
            }
        }
        #expect(sent.indices.filter { !sent[$0] } == [blocked])
    }

    @Test func `a failure to write a Maildir is retried`() async throws {
        let folder = TestServers.folder("mail")
        let transport = try Maildir(path: folder)
        try FileManager.default.removeItem(atPath: "\(folder)/tmp")
        let error = await #expect(throws: DeliveryError.self) { try await transport.send(try mail("Lost")) }
        #expect(error?.reason == .unavailable)
    }

    @Test(arguments: ["sendgrid://key", "http://example.com", "mail", "", "file://otherhost/mail"])
    func `a URL that names no transport is rejected`(url: String) {
        let client = WebClient(logger: Logger(label: "test"))
        #expect(throws: DeliveryError.self) { _ = try MailTransports.from(url: url, client: client) }
    }

    @Test(arguments: [
        (WebClientError.Code.smtp(status: 550), DeliveryError.Reason.refused), (.smtp(status: 552), .refused), (.smtp(status: 556), .refused),
        (.smtp(status: 550, enhanced: "5.1.1"), .refused), (.smtp(status: 550, enhanced: "5.2.1"), .refused), (.smtp(status: 554, enhanced: "5.1.10"), .refused),
        (.smtp(status: 554, enhanced: "5.6.0"), .refused), (.smtp(status: 552, enhanced: "5.3.4"), .refused), (.invalidRequest, .refused),
        (.smtp(status: 554), .denied), (.smtp(status: 554, enhanced: "5.7.1"), .denied), (.smtp(status: 550, enhanced: "5.7.1"), .denied),
        (.smtp(status: 553, enhanced: "5.1.8"), .denied), (.smtp(status: 550, enhanced: "5.1.7"), .denied), (.smtp(status: 535), .denied),
        (.smtp(status: 530, enhanced: "5.7.0"), .denied), (.smtp(status: 500), .denied), (.tls, .denied), (.invalidURL, .denied),
        (.smtp(status: 451), .unavailable), (.smtp(status: 421), .unavailable), (.smtp(status: 450, enhanced: "4.2.1"), .unavailable),
        (.couldNotConnect, .unavailable), (.timedOut, .unavailable),
    ])
    func `a refusal of one recipient is distinguished from a refusal of the shop`(code: WebClientError.Code, reason: DeliveryError.Reason) {
        #expect(SMTPTransport.reason(code) == reason)
    }

    @Test func `an unreachable mail server is retried`() async throws {
        let client = WebClient(logger: Logger(label: "test"))
        let transport = try MailTransports.from(url: "smtp://127.0.0.1:9", client: client)
        let error = await #expect(throws: DeliveryError.self) { try await transport.send(try mail("Lost")) }
        #expect(error?.reason == .unavailable)
    }
}
