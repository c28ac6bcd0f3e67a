import Testing

@testable import Autoscaling

@Suite struct `Queue statistics` {
    @Test func `rates and depths are read, and queues without statistics are unknown`() throws {
        let json = """
            [{"name": "a", "messages": 7, "consumers": 2, "message_stats": {"ack_details": {"rate": 1.5}, "publish_details": {"rate": 2}}},
             {"name": "fresh", "messages": 0, "consumers": 1},
             {"name": "published", "messages": 3, "consumers": 0, "message_stats": {"publish_details": {"rate": 0.6}}},
             {"name": "new"}, {"name": "without rates", "messages": 3, "consumers": 1}]
            """
        let loads = try QueueLoad.read(Array(json.utf8))
        #expect(
            loads == [
                "a": QueueLoad(messages: 7, consumers: 2, handled: 1.5, arriving: 2), "fresh": QueueLoad(messages: 0, consumers: 1, handled: 0, arriving: 0),
                "published": QueueLoad(messages: 3, consumers: 0, handled: 0, arriving: 0.6),
            ])
    }

    @Test(arguments: ["", "{}", "[7]", #"[{"messages": 1}]"#])
    func `an answer that is not a list of queues is an error`(json: String) {
        #expect(throws: (any Error).self) { try QueueLoad.read(Array(json.utf8)) }
    }
}
