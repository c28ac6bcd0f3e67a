import Testing
import WebClient

@testable import ShopClient

struct LoadRetryTests {
    @Test("A temporary refusal is retried", arguments: [429, 502, 503, 504])
    func passing(_ status: Int) {
        #expect(LoadRetry.passing(status: status, retryAfter: nil, internalErrors: 99) == .init(reason: "\(status)"))
    }

    @Test("Success and refusal are final", arguments: [200, 201, 202, 304, 400, 401, 403, 404, 409, 412, 413, 415, 422, 501])
    func lasting(_ status: Int) {
        #expect(LoadRetry.passing(status: status, retryAfter: "1", internalErrors: 0) == nil)
    }

    @Test("An internal error is retried eight times")
    func internalErrors() {
        #expect(LoadRetry.passing(status: 500, retryAfter: nil, internalErrors: 7) != nil)
        #expect(LoadRetry.passing(status: 500, retryAfter: nil, internalErrors: 8) == nil)
    }

    @Test("A broken connection is retried, a broken URL is not")
    func errors() {
        for code in [WebClientError.Code.couldNotConnect, .connectionLost, .timedOut, .badResponse, .overloaded] {
            #expect(LoadRetry.passing(WebClientError(code: code, message: "")) != nil)
        }
        for code in [WebClientError.Code.invalidURL, .tls, .tooLarge, .shutDown, .cancelled] {
            #expect(LoadRetry.passing(WebClientError(code: code, message: "")) == nil)
        }
    }

    @Test("Pauses double up to a bound and are spread over half of their length")
    func pauses() {
        let passing = LoadRetry.Passing(reason: "503")
        #expect(LoadRetry.pause(after: 1, passing, draw: 0) == .milliseconds(25))
        #expect(LoadRetry.pause(after: 2, passing, draw: 0) == .milliseconds(50))
        #expect(LoadRetry.pause(after: 7, passing, draw: 0) == .seconds(1))
        #expect(LoadRetry.pause(after: 1_000_000, passing, draw: 0) == .seconds(1))
        #expect(LoadRetry.pause(after: 1_000_000, passing, draw: 0.999) < .seconds(2))
    }

    @Test("Retry-After is honoured, within a bound")
    func retryAfter() {
        let passing = LoadRetry.passing(status: 503, retryAfter: "3", internalErrors: 0)
        #expect(passing?.retryAfter == .seconds(3))
        #expect(LoadRetry.passing(status: 503, retryAfter: "-3", internalErrors: 0)?.retryAfter == .zero)
        #expect(LoadRetry.passing(status: 503, retryAfter: "soon", internalErrors: 0)?.retryAfter == nil)
        #expect(LoadRetry.pause(after: 1, .init(reason: "503", retryAfter: .seconds(3)), draw: 0) == .milliseconds(3_025))
        #expect(LoadRetry.pause(after: 1, .init(reason: "503", retryAfter: .seconds(900)), draw: 0) < .seconds(31))
    }

    @Test("A problem states why a request is refused")
    func refusals() {
        let problem = #"{"type": "https://wharf.dev/problems/cart-ordered", "title": "Conflict", "status": 409, "detail": "It is."}"#
        #expect("\(Refusal(WebResponse(status: 409, body: Array(problem.utf8))))" == "409 cart-ordered: It is.")
        #expect("\(Refusal(WebResponse(status: 418, body: Array("<html>".utf8))))" == "418 unknown")
    }
}
