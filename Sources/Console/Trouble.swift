import Contracts
import Messaging
import Operator
import Terminal

/// The reason why a request could not be answered, as shown to the administrator.
struct Trouble: Sendable {
    let status: Int
    let title: String
    private let detail: String?

    init(_ error: any Error) {
        switch error {
        case let refusal as Refusal:
            status = (400..<500).contains(refusal.status) ? refusal.status : 502
            title = refusal.status == 404 ? "Not found" : "The service rejected the request"
            detail = refusal.description
        case let form as InvalidForm:
            (status, title, detail) = (422, "The form cannot be used", form.detail)
        case let body as UnavailableBody:
            (status, title, detail) = (409, "The body cannot be edited", body.description)
        case RequestClient.Unanswered.timedOut:
            (status, title) = (504, "No answer in time")
            detail = nil
        case is RequestClient.Unanswered:
            (status, title) = (503, "The service cannot be reached")
            detail = "Nothing was done."
        default:
            (status, title, detail) = (500, "Something unexpected happened", "It was logged.")
        }
    }

    /// - Parameter service: The name of the service.
    func text(_ service: String) -> String {
        if status == 504 { return "\(service) did not answer in time." }
        if status == 503 { return "\(service) cannot be reached." }
        if status == 500 { return "\(service) cannot be read at the moment." }
        return detail?.printable ?? title
    }

    /// - Parameter isChange: True if a form was sent.
    func page(_ section: Section?, isChange: Bool) -> Page {
        let text =
            status == 504
            ? isChange ? "No reply arrived in time. The change may have been accepted. Sending the same form again has no second effect." : "No reply arrived in time. Load the page again."
            : detail?.printable ?? title
        return Page(status: status, title: title, section: section, content: "<h1>\(title)</h1>\(Part.note("<p>\(text)</p>", .bad))")
    }
}
