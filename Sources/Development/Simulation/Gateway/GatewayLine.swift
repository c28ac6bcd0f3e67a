import WebClient

/// One payments process's line to the gateway. Requests get lost, answers get lost, and some requests arrive after their sender has given up.
struct GatewayLine: HTTPTransport {
    static let latency = 10...400
    /// How many of the requests are carried out although the gateway is down.
    static let swallowed = 0.4
    /// How many of those at once, while only the way back is cut; the others later.
    static let unheard = 0.5

    let gateway: ModelGateway
    let process: SimulatedProcess
    var sabotage: Sabotage?

    func send(_ request: WebRequest) async throws -> WebResponse {
        await process.pass(.gatewayCall)
        var request = request
        if sabotage == .namelessRefund, request.path.hasSuffix("/refunds") {
            request.body = Array(String(decoding: request.body, as: UTF8.self).replacing("metadata", with: "nothing").utf8)
        }
        let faults = gateway.faults
        if gateway.isAway, request.method == "POST", faults.chance.happens(Self.swallowed) {
            if faults.chance.happens(Self.unheard) {
                gateway.carryOut(request, isHeard: false)
            } else {
                // The request is buffered, and carried out when the gateway is back.
                gateway.carryOutLate(request)
            }
            await travel(request.timeout)
            throw WebClientError(code: .timedOut, message: "no answer in time", requestMayHaveBeenSent: true)
        }
        if gateway.isAway || faults.strikes(.gatewayUnreachable) {
            throw WebClientError(code: .couldNotConnect, message: "nothing listens there")
        }
        await travel(faults.chance.duration(milliseconds: Self.latency))
        if faults.strikes(.gatewayFails) { return WebResponse(status: 500) }
        if request.method == "POST", faults.strikes(.chargeLate) {
            gateway.carryOutLate(request)
            await travel(request.timeout)
            throw WebClientError(code: .timedOut, message: "no answer in time", requestMayHaveBeenSent: true)
        }
        if sabotage == .blindVoid, request.method == "GET", request.path.contains("/search?") || request.path.contains("payment_intents?") {
            return WebResponse(status: 200, body: Array(#"{"object":"search_result","data":[]}"#.utf8))
        }
        let answer = gateway.carryOut(request)
        if faults.strikes(.answerDropped) {
            await travel(faults.chance.duration(milliseconds: Self.latency))
            throw WebClientError(code: .connectionLost, message: "the connection ended before the answer", requestMayHaveBeenSent: true)
        }
        await process.pass(.gatewayAnswer)
        return WebResponse(status: answer.status, body: answer.body)
    }

    private func travel(_ time: Duration) async {
        try? await gateway.clock.sleep(for: time)
        await process.check()
    }
}
