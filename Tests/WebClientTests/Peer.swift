import Foundation
import Logging
import TestKit
import Testing
import WebClient

/// The suites that talk to a peer take turns: starting one takes a core, which would distort the timing tests.
@Suite(.serialized, .timeLimit(.minutes(2))) enum Wire {}

/// A running ``peerScript``, one for each test, so that its counts belong to that test.
final class Peer {
    struct Report: Decodable {
        struct Mail: Decodable {
            var from: String
            var to: [String]
            var data: String
            var user: String
        }

        var connections: Int
        var mostRunning: Int
        var hits: [String: Int]
        var mails: [Mail]
    }

    struct Echo: Decodable {
        var method: String
        var path: String
        var headers: [String: String]
        var body: String
    }

    let http: String
    let https: String
    let mailPort: String
    private let process = Process()
    /// The process ends when this is closed: when the tests do, however they end.
    private let input = Pipe()

    init() async throws {
        _ = Self.proxied
        let identity = try await TLSIdentity.shared.value
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", peerScript, identity.certificate, identity.key]
        process.standardInput = input
        process.standardOutput = output
        try process.run()

        let announcement = try await blocking {
            var announcement = Data()
            while !announcement.contains(UInt8(ascii: "\n")) {
                let more = output.fileHandleForReading.availableData
                try #require(!more.isEmpty, "the peer did not start")
                announcement += more
            }
            return announcement
        }
        let ports = String(decoding: announcement, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        try #require(ports.count == 3)
        http = "http://127.0.0.1:\(ports[0])"
        https = "https://localhost:\(ports[1])"
        mailPort = String(ports[2])
    }

    deinit {
        // The process inherits a signal mask that blocks SIGTERM, so closing its input ends it.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// What the peer has received so far.
    func report() async throws -> Report {
        let client = WebClient(logger: testLogger)
        defer { client.shutdown() }
        return try decode(Report.self, from: await client.send(WebRequest(url: http + "/report")))
    }

    func mail(to recipients: [String], message: String = "Subject: hello\r\n\r\nhello\r\n", credentials: String = "") -> MailEnvelope {
        MailEnvelope(
            url: "smtp://\(credentials)127.0.0.1:\(mailPort)", from: "shop@example.com", recipients: recipients,
            message: Array(message.utf8), timeout: .seconds(20))
    }
}

let testLogger = Logger(label: "web-client-tests")

func decode<Value: Decodable>(_ type: Value.Type, from response: WebResponse) throws -> Value {
    try JSONDecoder().decode(type, from: Data(response.body))
}
