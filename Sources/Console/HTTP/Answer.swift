import Contracts
import HTTPTypes
import Hummingbird
import Messaging

/// A response of the console.
struct Answer: Sendable {
    var status: Int
    var headers = HTTPFields()
    var body: [UInt8] = []

    static func text(_ status: Int, _ text: String) -> Answer {
        Answer(status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: Array(text.utf8))
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Answer {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        var answer = text(405, "Only \(names) are allowed.\n")
        answer.headers[.allow] = names
        return answer
    }

    static func page(_ page: Page, _ context: PageContext) -> Answer {
        Answer(status: page.status, headers: [.contentType: "text/html; charset=utf-8"], body: Array(Layout(context: context).html(page).html.utf8))
    }

    /// Redirects to a GET, after any method.
    static func redirect(_ path: String) -> Answer { Answer(status: 303, headers: [.location: path]) }
}

/// The style sheet and the script, which are embedded in the executable.
enum Assets {
    private struct Asset {
        let body: [UInt8]
        let type: String
        let tag: String

        init(_ body: [UInt8], _ type: String) {
            self.body = body
            self.type = type
            tag = Reply.entityTag(of: body)
        }
    }

    private static let all = [
        Link.style: Asset(PackageResources.console_css, "text/css; charset=utf-8"), Link.script: Asset(PackageResources.console_js, "text/javascript; charset=utf-8"),
    ]

    /// Nil for any other path.
    static func answer(to request: Hummingbird.Request) -> Answer? {
        guard let asset = all[request.uri.path], request.method == .get || request.method == .head else { return nil }
        var headers: HTTPFields = [.eTag: asset.tag, .cacheControl: "no-cache"]
        if request.headers[.ifNoneMatch] == asset.tag { return Answer(status: 304, headers: headers) }
        headers[.contentType] = asset.type
        return Answer(status: 200, headers: headers, body: asset.body)
    }
}
