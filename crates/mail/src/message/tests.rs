use super::*;

fn parsed(raw: &str) -> Mail {
    parse(raw.replace('\n', "\r\n").as_bytes()).unwrap()
}

#[test]
fn fields_of_a_mail_are_read() {
    let mail = parsed(
        "Delivered-To: help+x@shop.example\nMessage-ID: <a.1@MAIL.example>\nIn-Reply-To: <msg_1@shop.example>\n\
         References: <r0@x.example> <msg_1@shop.example>\nFrom: =?UTF-8?B?5p6X5bCP5aeQ?= <Mei.Lin@Mail.EXAMPLE>\n\
         Reply-To: mei@other.example\nTo: \"Shop\" <help@shop.example>, b@shop.example\nCc: c@shop.example\n\
         Date: Mon, 30 Nov 2026 08:00:00 +0800\nSubject: =?big5?B?sGiqq7Dd?=\n =?big5?B?w0Q=?=\n\n你好\n\n可以退貨嗎？\n",
    );
    assert_eq!(mail.message_id, "a.1@MAIL.example");
    assert_eq!(mail.in_reply_to, ["msg_1@shop.example"]);
    assert_eq!(mail.references, ["r0@x.example", "msg_1@shop.example"]);
    assert_eq!(mail.from.address, "Mei.Lin@mail.example");
    assert_eq!((mail.from.name.as_str(), mail.senders), ("林小姐", 1));
    assert_eq!(mail.reply_to.as_ref().unwrap().address, "mei@other.example");
    let recipients: Vec<&str> = mail.recipients().collect();
    assert_eq!(
        recipients,
        [
            "help@shop.example",
            "b@shop.example",
            "c@shop.example",
            "help+x@shop.example"
        ]
    );
    assert_eq!(mail.date.unwrap().to_string(), "2026-11-30T00:00:00Z");
    assert_eq!(mail.subject, "退物問題");
    assert_eq!(mail.text, "你好\n\n可以退貨嗎？");
    assert_eq!(
        mail.header("to").unwrap(),
        "\"Shop\" <help@shop.example>, b@shop.example"
    );
}

#[test]
fn missing_id_is_made_of_the_bytes() {
    let of = |body: &str| parsed(&format!("From: a@x.example\n\n{body}")).message_id;
    assert!(of("1").starts_with("sha256-") && of("1").ends_with("@digest.invalid"));
    assert_eq!(of("1"), of("1"));
    assert_ne!(of("1"), of("2"));
}

#[test]
fn bytes_that_are_no_mail_are_refused() {
    assert_eq!(parse(b""), Err(MailError::NotAMail));
    assert_eq!(
        parse(b"Subject: x\r\n\r\ny"),
        Err(MailError::NoSender),
        "no sender"
    );
    assert_eq!(parse(b"From: nobody\r\n\r\ny"), Err(MailError::NoSender));
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(parse(&large), Err(MailError::TooLarge(MAX_BYTES + 1)));
}

#[test]
fn charsets_of_east_asia_are_decoded() {
    for (charset, text) in [
        ("big5", "可以退貨嗎？"),
        ("gb18030", "可以退货吗？𠀀"),
        ("gbk", "可以退货吗？"),
        ("iso-2022-jp", "返品できますか"),
        ("shift_jis", "返品できますか"),
        ("euc-kr", "반품 가능한가요"),
        ("utf-8", "可以退貨嗎？😀"),
        ("windows-1252", "Können Sie helfen?"),
    ] {
        let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap();
        let (bytes, ..) = encoding.encode(text);
        let mut raw = format!(
            "From: a@x.example\r\nContent-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
        .into_bytes();
        raw.extend_from_slice(&bytes);
        assert_eq!(parse(&raw).unwrap().text, text, "{charset}");
    }
}

#[test]
fn undeclared_charset_is_guessed() {
    let text = "您好，請問這個商品可以退貨嗎？我上週在門市購買，發票還在。謝謝您的幫忙。";
    let (bytes, ..) = encoding_rs::BIG5.encode(text);
    let mut raw = b"From: a@x.example\r\n\r\n".to_vec();
    raw.extend_from_slice(&bytes);
    assert_eq!(parse(&raw).unwrap().text, text);
}

#[test]
fn html_mail_becomes_text_with_quotes_marked() {
    let mail = parsed(
        "From: a@x.example\nContent-Type: text/html; charset=utf-8\n\n<html><head><title>t</title></head><body><div>第一行</div>\
         <div>A &amp; B<br>C</div><div class=\"gmail_quote\"><div>On Monday</div><p>old</p></div></body></html>",
    );
    assert_eq!(mail.text, "第一行\nA & B\nC\n> On Monday\n> old");
}

#[test]
fn flowed_lines_are_joined_within_their_depth() {
    let raw = "From: a@x.example\nContent-Type: text/plain; format=flowed; delsp=no\n\nOne \ntwo.\n> old \n> line\nThree\n-- \nAnn\n";
    assert_eq!(parsed(raw).text, "One two.\n> old line\nThree\n-- \nAnn");
    let japanese = "From: a@x.example\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n一 \n二\n";
    assert_eq!(parsed(japanese).text, "一二");
}

#[test]
fn attachments_are_named_and_bounded() {
    let part = |n: usize, name: &str| {
        format!(
            "--b\nContent-Type: image/png\nContent-Disposition: attachment; filename=\"{name}\"\nContent-Transfer-Encoding: base64\n\n{}\n",
            if n == 0 { "aGVsbG8=" } else { "" }
        )
    };
    let mut raw = "From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee\n".to_owned();
    raw += &part(0, "../../etc/photo.png");
    raw += &part(1, "");
    for n in 0..MAX_ATTACHMENTS {
        raw += &part(1, &format!("{n}.png"));
    }
    let mail = parsed(&format!("{raw}--b--\n"));
    assert_eq!(mail.text, "see");
    assert_eq!(
        (mail.attachments.len(), mail.left_out),
        (MAX_ATTACHMENTS, 2)
    );
    let first = &mail.attachments[0];
    assert_eq!(
        (first.name.as_str(), first.media_type.as_str()),
        ("photo.png", "image/png")
    );
    assert_eq!(first.bytes, b"hello");
    assert_eq!(mail.attachments[1].name, "attachment-2");
}

#[test]
fn changed_mails_never_panic() {
    let seeds: [&str; 3] = [
        "From: =?utf-8?Q?=E6=9E=97?= <a@x.example>\r\nContent-Type: text/html; charset=big5\r\n\r\n<p>A&#x4e;<blockquote type=cite>&amp;old</p>",
        "From: a@x.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; b@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <msg_1@x.example>\r\n\r\nx\r\n--b--\r\n",
        "From: a@x.example\r\nContent-Type: text/plain; format=flowed\r\nDate: Mon, 30 Nov 2026 08:00:00 +0800\r\n\r\n> q \r\n>> r\r\n-- \r\nx 寫道：\r\n",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut parsed = 0;
    for n in 0..6_000 {
        let mut raw = seeds[n % seeds.len()].as_bytes().to_vec();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..raw.len());
            match random.u8(..3) {
                0 => raw[at] = random.u8(..),
                1 => raw.insert(at, *random.choice(b"<>&;\r\n=?-: \xE6").unwrap()),
                _ => drop(raw.remove(at)),
            }
        }
        if let Ok(mail) = parse(&raw) {
            crate::quotes::written(&mail.text);
            parsed += 1;
        }
    }
    assert!(parsed > 4_000, "{parsed}");
}
