import AMQP
import Contracts
import FoundationEssentials
import JSON
import Testing

@testable import Messaging

@Suite struct OutgoingMessagesTests {
    /// A row as earlier versions have written it, with each kind of message.
    private static let row = #"""
        [{"kind":"request","key":"orders.checkouts.place","body":"{\"a\":\"\\u00e9\"}","forwards":true,
          "caller":{"id":"6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10","role":"customer"}},
         {"kind":"event","key":"order.confirmed","body":"{}"},
         {"kind":"broadcast","key":"session.revoked","body":"{}"},
         {"kind":"answer","key":"","body":"{}","status":200,"requester":{"replyTo":"replies.ingress.1","correlationID":"c"}},
         {"kind":"replay","key":"payments.commands","body":"_w","messageID":"m","operation":"payments.charge","contentType":"x/y","headers":{"role":"admin"}},
         {"kind":"reply","key":"","body":"{\"id\":1}","status":201,"headers":{"etag":"\"1\""}}]
        """#

    @Test func `reads what earlier versions have written`() throws {
        let read = try OutgoingMessages(text: Self.row)
        let caller = Caller(id: try #require(UUID(uuidString: "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10")), role: .customer)
        let original = FailedMessage(messageID: "m", operation: "payments.charge", contentType: "x/y", headers: ["role": "admin"], body: [0xFF])
        #expect(
            read.messages == [
                OutgoingMessage(.request("orders.checkouts.place"), body: Array(#"{"a":"\u00e9"}"#.utf8), forwardsRequester: true, caller: caller),
                OutgoingMessage(.event("order.confirmed"), body: Array("{}".utf8)),
                OutgoingMessage(.broadcast("session.revoked"), body: Array("{}".utf8)),
                OutgoingMessage(.answer(Requester(replyTo: "replies.ingress.1", correlationID: "c"), status: 200), body: Array("{}".utf8)),
                OutgoingMessage(.replay(original, queue: "payments.commands"), body: [0xFF]),
            ])
        #expect(read.reply == Reply(status: 201, headers: ["etag": "\"1\""], body: Array(#"{"id":1}"#.utf8)))
    }

    @Test(arguments: [#"{ "b":1.50, "a":"\u00e9\"" }"#, #""a \"text\"""#, "12e3", "null", "[ null, {} ]"])
    func `reads bodies that the next version writes as JSON, byte for byte`(body: String) throws {
        let row = #"[{"kind":"event","key":"order.confirmed","json":\#(body)},{"kind":"reply","key":"","json": \#(body) ,"status":201}]"#
        let read = try OutgoingMessages(text: row)
        #expect(read.messages == [OutgoingMessage(.event("order.confirmed"), body: Array(body.utf8))])
        #expect(read.reply == Reply(status: 201, body: Array(body.utf8)))
    }

    @Test func `writes what earlier versions read, member by member`() throws {
        let written: [[String: JSONValue]] = try JSON.decode(from: Array(try OutgoingMessages(text: Self.row).text.utf8))
        #expect(written == (try JSON.decode(from: Array(Self.row.utf8))))
    }

    @Test func `a row has its fields in the order of their names, as earlier versions wrote it`() throws {
        let id = try #require(UUID(uuidString: "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10"))
        var message = OutgoingMessage(
            .request("payments.charge"), body: Array(#"{"a":"\u{1}"}"#.utf8), caller: Caller(id: id, role: .admin, email: "ada@wharf.example", locale: "en"),
            subject: Subject(order: id, number: "W-1", event: "charged"))
        message.traceparent = "00-1-2-01"
        let text = try OutgoingMessages([message], reply: Reply(status: 201, headers: ["location": "/", "etag": "1"])).text
        #expect(
            text == #"""
                [{"body":"{\"a\":\"\\u{1}\"}","caller":{"email":"ada@wharf.example","id":"6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10","locale":"en","role":"admin"},\#
                "key":"payments.charge","kind":"request","subject":{"event":"charged","number":"W-1","order":"6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10"},"traceparent":"00-1-2-01"},\#
                {"body":"","headers":{"etag":"1","location":"/"},"key":"","kind":"reply","status":201}]
                """#)
        let all = try OutgoingMessages(text: Self.row).text
        #expect(try all == String(decoding: JSON.encode(JSON.decode(JSONValue.self, from: Array(all.utf8))), as: UTF8.self))
    }

    @Test func `an answer keeps its headers`() throws {
        let answer = OutgoingMessage.Destination.answer(Requester(replyTo: "replies.ingress.1", correlationID: "c"), status: 200, headers: ["location": "/v1/orders/1"])
        let message = OutgoingMessage(answer, body: Array("{}".utf8))
        let read = try OutgoingMessages(text: OutgoingMessages([message]).text).messages
        #expect(read == [message])
        let request = Request(id: UUID(), operation: "orders.checkouts.advance", body: [])
        let publication = message.publication(at: 0, of: request, recorded: nil, now: Date(timeIntervalSince1970: 0))
        #expect(publication.properties.headers[HeaderName.replyHeaderPrefix + "location"] == .string("/v1/orders/1"))
    }

    @Test func `a recalled reply is marked, and announces nothing`() throws {
        var reply = Reply(status: 202)
        reply.settlesUntil = Date()
        let recalled = OutgoingMessages(reply: reply).recalled.reply
        #expect(recalled?.isReplayed == true)
        #expect(recalled?.settlesUntil == nil)
    }

    @Test(arguments: ["", "{}", #"[{"kind":"letter","key":"","body":""}]"#, #"[{"kind":"answer","key":"","body":""}]"#])
    func `a row of another form is an error`(text: String) {
        #expect(throws: (any Error).self) { try OutgoingMessages(text: text) }
    }
}
