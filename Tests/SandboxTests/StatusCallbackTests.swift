import FoundationEssentials
import Logging
import Secrets
import ServiceLifecycle
import Testing
import WebClient

@testable import Sandbox

/// What the sandbox posts about text messages.
@Suite struct StatusCallbackTests {
    private struct Recorder: HTTPTransport {
        let requests: AsyncStream<WebRequest>.Continuation

        func send(_ request: WebRequest) async throws -> WebResponse {
            requests.yield(request)
            return WebResponse(status: 200)
        }
    }

    private static let url = "https://shop.example/v1/webhooks/twilio?notification=7d6b9a54"

    private func message(to number: String) -> RecordedMessage {
        RecordedMessage(id: "SM1", vendor: .twilio, from: "+15005550006", to: number, text: "Hello", at: Date(timeIntervalSince1970: 0))
    }

    /// The first `count` requests that follow from what `body` does.
    private func requests(_ count: Int, _ body: (StatusCallbacks) -> Void) async throws -> [WebRequest] {
        let (requests, recorder) = AsyncStream.makeStream(of: WebRequest.self)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let callbacks = StatusCallbacks(token: "token", transport: Recorder(requests: recorder), logger: logger)
        body(callbacks)
        var found: [WebRequest] = []
        try await TestSandbox.run(callbacks, logger: logger, onEnd: { recorder.finish() }) {
            for await request in requests {
                found.append(request)
                if found.count == count { break }
            }
        }
        return found
    }

    private func field(_ name: String, _ request: WebRequest) -> String? {
        PercentEncoding.fields(request.body)?.first { $0.name == name }?.value
    }

    @Test(arguments: [("+4930123456", ["sent", "delivered"]), ("+49305550404", ["sent", "undelivered"])])
    func `the states of a message are posted in their order, signed for the address that came with it`(number: String, states: [String]) async throws {
        let posted = try await requests(2) { $0.follow(message(to: number), to: Self.url) }
        #expect(posted.map(\.url) == [Self.url, Self.url] && posted.map { field("MessageStatus", $0) } == states)
        #expect(field("ErrorCode", posted[1]) == (states[1] == "undelivered" ? "30003" : nil))
        let signed = "\(Self.url)From+15005550006MessageSidSM1MessageStatussentTo\(number)"
        let signature = Base64.encode(HMACSHA1.authenticate(Array(signed.utf8), key: Array("token".utf8)))
        #expect(posted[0].headers.first { $0.name == "X-Twilio-Signature" }?.value == signature)
    }

    @Test func `a reply is posted to the address of the newest message`() async throws {
        let posted = try await requests(3) { callbacks in
            #expect(!callbacks.reply("STOP", from: "+4930123456"))
            callbacks.follow(message(to: "+4930123456"), to: Self.url)
            #expect(callbacks.reply("STOP", from: "+4930123456"))
        }
        #expect(posted[2].url == "https://shop.example/v1/webhooks/twilio")
        #expect(field("Body", posted[2]) == "STOP" && field("From", posted[2]) == "+4930123456")
    }

    @Test func `the sandbox calls back for a message that names an address, and for no other`() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run { sandbox in
                let basic = Base64.encode(Array("AC1:\(TestSandbox.apiKey)".utf8))
                for more in ["", "&StatusCallback=\(PercentEncoding.encode(receiver.url))"] {
                    let reply = try await sandbox.send(
                        "POST", "/2010-04-01/Accounts/AC1/Messages.json",
                        headers: [("Authorization", "Basic \(basic)"), ("Content-Type", "application/x-www-form-urlencoded")],
                        body: "From=%2B15005550006&To=%2B4930123456&Body=\(more.isEmpty ? "first" : "second")\(more)")
                    #expect(reply.status == 201)
                }
                let states = try await receiver.next(2).map(\.body)
                #expect(states.first?.contains("MessageStatus=sent") == true && states.last?.contains("MessageStatus=delivered") == true)
            }
        }
    }
}
