import Synchronization
import WebClient

/// Accepts every text message unless a test sets another answer, and keeps the posted messages.
final class Telephone: HTTPTransport {
    private let state = Mutex<(sent: [WebRequest], status: Int)>(([], 201))

    var sent: [WebRequest] { state.withLock { $0.sent } }

    func answer(_ status: Int) {
        state.withLock { $0.status = status }
    }

    func send(_ request: WebRequest) async throws -> WebResponse {
        let status = state.withLock { state in
            state.sent.append(request)
            return state.status
        }
        return WebResponse(status: status, headers: [], body: Array("{}".utf8))
    }
}
