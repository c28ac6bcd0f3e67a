import Contracts

/// The elements of forms.
enum Field {
    /// A form that changes something. It carries the session's token, and an id that makes sending it twice harmless.
    static func form(_ action: String, _ page: PageContext, class name: String = "fields", _ content: Markup) -> Markup {
        """
        <form method="post" action="\(action)" class="\(name)">\
        <input type="hidden" name="\(FormToken.field)" value="\(page.token.text)"><input type="hidden" name="request" value="\(page.requestID)">\
        \(content)</form>
        """
    }

    /// A form that filters a list.
    static func filter(_ action: String, label: String, _ content: Markup, more: Markup = .nothing) -> Markup {
        "<form method=\"get\" action=\"\(action)\" class=\"filter\" role=\"search\" aria-label=\"\(label)\">\(content)<button>Show</button>\(more)</form>"
    }

    static func text(_ label: String, _ name: String, _ value: String?, hint: String? = nil, type: String = "text", extra: Markup = .nothing) -> Markup {
        "<label><span>\(label)</span><input type=\"\(type)\" name=\"\(name)\" value=\"\(value ?? "")\" placeholder=\"\(hint ?? "")\" autocomplete=\"off\"\(extra)></label>"
    }

    static func area(_ label: String, _ name: String, _ value: String, rows: Int) -> Markup {
        // Browsers drop a line break right after the tag.
        "<label class=\"whole\"><span>\(label)</span><textarea name=\"\(name)\" rows=\"\(rows)\" spellcheck=\"false\">\n\(value)</textarea></label>"
    }

    static func choice(_ label: String, _ name: String, _ options: [(value: String, title: String)], _ chosen: String?) -> Markup {
        let items = options.map { option -> Markup in
            let selected: Markup = option.value == (chosen ?? "") ? " selected" : .nothing
            return "<option value=\"\(option.value)\"\(selected)>\(option.title)</option>"
        }
        return "<label><span>\(label)</span><select name=\"\(name)\">\(items)</select></label>"
    }

    static func check(_ label: String, _ name: String, _ isOn: Bool) -> Markup {
        let checked: Markup = isOn ? " checked" : .nothing
        return "<label class=\"check\"><input type=\"checkbox\" name=\"\(name)\" value=\"true\"\(checked)> <span>\(label)</span></label>"
    }

    static func hidden(_ fields: [String: String]) -> Markup {
        fields.sorted { $0.key < $1.key }.map { "<input type=\"hidden\" name=\"\($0.key)\" value=\"\($0.value)\">" as Markup }.joined()
    }

    static func buttons(_ title: String, _ tone: Tone = .accent, back: String) -> Markup {
        "<p class=\"buttons\"><button class=\"\(tone.rawValue)\">\(title)</button> \(Part.link("Cancel", back, class: "button"))</p>"
    }
}

/// A page that describes the effect of a change, and asks for confirmation.
struct Confirmation: Sendable {
    let title: String
    let section: Section
    /// The effect of the change.
    let effect: Markup
    /// The path that the form is sent to.
    let action: String
    let button: String
    var tone = Tone.accent
    /// The target of Cancel.
    let back: String
    var fields = Markup.nothing

    func page(_ context: PageContext) -> Page {
        Page(
            title: title, section: section,
            content: "<h1>\(title)</h1><div class=\"panel narrow\">\(effect)\(Field.form(action, context, fields + Field.buttons(button, tone, back: back)))</div>")
    }
}
